import { ClientConnection } from '../../dist/client/client-connection.js';
import { PrepareError } from '../lib/prepare.mjs';
import { Flow, read, stamp } from './flow.mjs';

const ORDERS_EVERY_MS = 5;
const ALERTS_EVERY_MS = 250;
const QUOTES_EVERY_MS = 20;
const REGIONS = ['eu', 'us'];

/** Publishers at the laptop, subscribers in both clouds, and a service in the public one. */
export class Traffic {
  all = new Flow('topic      orders.#', 'laptop', 'public');
  european = new Flow('topic      orders.*.eu', 'laptop', 'private');
  alertsNear = new Flow('multicast  alerts', 'laptop', 'private');
  alertsFar = new Flow('multicast  alerts', 'laptop', 'public');
  questions = new Flow('anycast    quote.price', 'laptop', 'public', false);
  answers = new Flow('replies to the laptop', 'public', 'laptop', false);
  flows = [this.european, this.all, this.alertsNear, this.alertsFar, this.questions, this.answers];
  #sites;
  #connections = [];
  #timers = [];
  #numbers = { orders: 0, alerts: 0, quotes: 0 };
  #onFailure;
  /** Rejects when a client loses its node. */
  failed = new Promise((_, reject) => {
    this.#onFailure = (error) => reject(new PrepareError(`A client of the demo: ${error.message}`));
  });

  constructor(sites) {
    this.#sites = sites;
    this.failed.catch(() => undefined); // told by whoever waits for it
  }

  async open() {
    const [laptop, near, far] = await Promise.all(['laptop', 'private', 'public'].map((site) => this.#connect(site)));
    await this.#subscribe(far, 'topic/orders.#', this.all);
    await this.#subscribe(near, 'topic/orders.*.eu', this.european);
    await this.#subscribe(near, 'multicast/alerts', this.alertsNear);
    await this.#subscribe(far, 'multicast/alerts', this.alertsFar);
    await this.#serve(far);
    const mailbox = await this.#subscribe(laptop, null, this.answers);
    this.replyTo = mailbox.address;
    this.orders = await Promise.all(REGIONS.map((region) => laptop.sender(`topic/orders.new.${region}`)));
    this.alerts = await laptop.sender('multicast/alerts');
    this.quotes = await laptop.sender('anycast/quote.price');
  }

  /** Publishes until `stop`; with a `pace` above 1 so many times as slowly. */
  start(pace = 1) {
    const every = (ms, action) => this.#timers.push(setInterval(action, ms * pace));
    every(ORDERS_EVERY_MS, () => this.#order());
    every(ALERTS_EVERY_MS, () => this.#alert());
    every(QUOTES_EVERY_MS, () => this.#ask());
  }

  stop() {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  get settled() {
    return this.flows.every(({ missing }) => missing === 0) && this.#senders().every(({ pending }) => pending === 0);
  }

  async close() {
    this.stop();
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #senders() {
    return [...this.orders, this.alerts, this.quotes];
  }

  async #connect(site) {
    const connection = await ClientConnection.open(this.#sites.url(site), { containerId: `demo-${site}` });
    connection.onLost = (error) => this.#onFailure(error);
    this.#connections.push(connection);
    return connection;
  }

  #subscribe(connection, address, flow) {
    return connection.receiver({
      address,
      credit: 1_000,
      onDelivery: (delivery) => {
        const message = read(delivery.message);
        if (message) flow.arrive(message);
        delivery.accept();
      },
      onLost: (error) => this.#onFailure(error),
    });
  }

  /** Answers each question to the address that it names. */
  async #serve(connection) {
    const relay = await connection.sender(null);
    await connection.receiver({
      address: 'anycast/quote.price',
      onDelivery: (delivery) => {
        const question = read(delivery.message);
        const to = delivery.message.properties?.replyTo;
        if (question && to) {
          this.questions.arrive(question);
          this.answers.expect(question.number);
          this.#send(relay, stamp(question.number, to, { to }), [this.answers]);
        }
        delivery.accept();
      },
      onLost: (error) => this.#onFailure(error),
    });
  }

  #order() {
    const number = this.#numbers.orders++;
    const at = number % REGIONS.length;
    const flows = REGIONS[at] === 'eu' ? [this.all, this.european] : [this.all];
    for (const flow of flows) flow.expect(number);
    this.#send(this.orders[at], stamp(number, REGIONS[at]), flows);
  }

  #alert() {
    const number = this.#numbers.alerts++;
    const flows = [this.alertsNear, this.alertsFar];
    for (const flow of flows) flow.expect(number);
    this.#send(this.alerts, stamp(number, 'alerts'), flows);
  }

  #ask() {
    const number = this.#numbers.quotes++;
    this.questions.expect(number);
    this.#send(this.quotes, stamp(number, 'quote', { replyTo: this.replyTo }), [this.questions]);
  }

  /** As a real client does: what is released nobody has seen, so it is sent again. */
  async #send(sender, message, flows) {
    try {
      for (;;) {
        const { outcome, detail } = await sender.send(message);
        if (outcome === 'accepted') return;
        if (outcome !== 'released') return flows.forEach((flow) => flow.refuse(`${outcome} ${detail}`));
        for (const flow of flows) flow.resent++;
      }
    } catch (error) {
      for (const flow of flows) flow.refuse(error.message);
    }
  }
}
