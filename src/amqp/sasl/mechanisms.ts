/** What a server's exchange says to a response. `ok` names the user that was authenticated. */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | { readonly kind: 'ok'; readonly user: string; readonly data?: Buffer }
  | { readonly kind: 'denied'; readonly why: string };

/** One authentication under way on the accepting side; mechanisms with several steps are asked once per response. */
export interface ServerExchange {
  /** @param response of the client, null when it sent none. `done` is called once, now or later */
  step(response: Buffer | null, done: (step: SaslStep) => void): void;
}

/** A mechanism as a server offers it. */
export interface ServerMechanism {
  readonly name: string;
  start(): ServerExchange;
}

/** A mechanism as a client uses it. */
export interface ClientMechanism {
  readonly name: string;
  initialResponse(): Buffer | null;
  respond(challenge: Buffer): Buffer;
}

/** Checks a user's password; `done` may be called later. */
export type CheckPassword = (user: string, password: string, done: (granted: boolean) => void) => void;

/** ANONYMOUS (RFC 4505). */
export function anonymousServer(user = 'anonymous'): ServerMechanism {
  return { name: 'ANONYMOUS', start: () => ({ step: (_response, done) => done({ kind: 'ok', user }) }) };
}

export function anonymousClient(): ClientMechanism {
  return { name: 'ANONYMOUS', initialResponse: () => Buffer.from('anonymous'), respond: () => Buffer.alloc(0) };
}

const PLAIN_PART_BYTES_MAX = 255;

/** PLAIN (RFC 4616): authorization identity, user and password, parted by NUL. */
export function plainServer(check: CheckPassword): ServerMechanism {
  return {
    name: 'PLAIN',
    start: () => ({
      step: (response, done) => {
        if (response === null) return done({ kind: 'challenge', data: Buffer.alloc(0) });
        const parts = response.toString('utf8').split('\0');
        const [identity = '', user = '', password = ''] = parts;
        const tooLong = parts.some((part) => Buffer.byteLength(part) > PLAIN_PART_BYTES_MAX);
        if (parts.length !== 3 || user === '' || tooLong)
          return done({ kind: 'denied', why: 'malformed PLAIN response' });
        if (identity !== '' && identity !== user)
          return done({ kind: 'denied', why: 'acting for another identity is not allowed' });
        check(user, password, (granted) =>
          done(granted ? { kind: 'ok', user } : { kind: 'denied', why: 'wrong user name or password' }),
        );
      },
    }),
  };
}

export function plainClient(user: string, password: string): ClientMechanism {
  return {
    name: 'PLAIN',
    initialResponse: () => Buffer.from(`\0${user}\0${password}`),
    respond: () => Buffer.from(`\0${user}\0${password}`),
  };
}
