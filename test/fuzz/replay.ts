import { mutate, unitsOf, type Plan } from './mutations';
import { RawClient } from './raw-client';
import type { Conversation, Turn } from './recorder';

/** For an answer that the unchanged conversation would have had. */
const TURN_MS = 40;
/** For the node to end a connection that it has every reason to end. */
const ENDING_MS = 150;

/** The conversation as the plan has it: its units changed, still in their turns. */
function changed(plan: Plan, recorded: readonly Conversation[]): Turn[] {
  const conversation = recorded[plan.conversation % recorded.length] as Conversation;
  const others = recorded.map((each) => unitsOf(Buffer.concat(each.map(({ bytes }) => bytes))));
  const tagged = conversation.flatMap(({ bytes, after }) => unitsOf(bytes).map((unit) => ({ unit, after })));
  const units = tagged.map(({ unit }) => unit);
  for (const { unit, mutation } of plan.mutations) {
    if (units.length > 0) mutate(units, unit % units.length, mutation, others);
  }
  // What was inserted or moved has the turn of its place.
  return units.map((bytes, at) => ({ bytes, after: tagged[Math.min(at, tagged.length - 1)]?.after ?? 0 }));
}

/** Runs one malformed connection. @returns it where it is left open, else null */
export async function replay(port: number, plan: Plan, recorded: readonly Conversation[]): Promise<RawClient | null> {
  const client = await RawClient.connect(port, plan.ending === 'leave');
  await speak(client, plan, changed(plan, recorded));
  switch (plan.ending) {
    case 'leave':
      return client;
    case 'reset':
      client.reset();
      return null;
    case 'end':
      client.end();
      break;
    case 'wait':
  }
  await client.until(() => client.closed, ENDING_MS);
  client.destroy();
  return null;
}

async function speak(client: RawClient, { pace, slice }: Plan, turns: readonly Turn[]): Promise<void> {
  const all = Buffer.concat(turns.map(({ bytes }) => bytes));
  if (pace === 'whole') client.send(all);
  else if (pace === 'bytewise') await client.sendBytewise(all);
  else if (pace === 'slices') {
    for (let at = 0; at < all.length && !client.closed; at += slice) {
      client.send(all.subarray(at, at + slice));
      if ((at / slice) % 8 === 7) await new Promise((resolve) => setImmediate(resolve));
    }
  } else {
    let patience = true;
    for (const { bytes, after } of turns) {
      // A conversation that has gone another way is not waited for again and again.
      if (patience) patience = await client.until(() => client.answered >= after, TURN_MS);
      if (client.closed) return;
      client.send(bytes);
    }
  }
}
