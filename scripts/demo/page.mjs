import { get } from 'node:http';
import { read } from './flow.mjs';

/** What a browser's EventSource does: the sensors' readings as server-sent events, at the public cloud. */
export class Page {
  #request;

  constructor(request) {
    this.#request = request;
  }

  static open(port, flow, onLost) {
    const url = `http://127.0.0.1:${port}/v1/addresses/topic/sensors.%23`;
    return new Promise((resolve, reject) => {
      const request = get(url, { headers: { accept: 'text/event-stream' } }, (answer) => {
        if (answer.statusCode !== 200) return reject(new Error(`${url} answered ${answer.statusCode}`));
        const page = new Page(request);
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => {
          const lines = (text + chunk).split('\n');
          text = lines.pop();
          for (const line of lines) if (line.startsWith('data: ')) page.#show(line.slice(6), flow);
        });
        answer.once('end', () => onLost(new Error('the stream of events ended')));
        return resolve(page);
      });
      request.once('error', (error) => {
        reject(error);
        onLost(error);
      });
    });
  }

  #show(line, flow) {
    const { data } = JSON.parse(line);
    const message = read({ body: { value: JSON.stringify(data) } });
    if (message) flow.arrive(message);
  }

  close() {
    this.#request.removeAllListeners('error').on('error', () => undefined); // it is cut by ourselves
    this.#request.destroy();
  }
}
