const REDRAW_MS = 150;
const CLEAR_BELOW = '\u001b[0J';
const HEAD = ['what', 'from → to', 'sent', 'arrived', 'on the way', 'doubled', 'resent', 'p50', 'p99'];
/** What a narrow terminal does without, in this order: the verdict tells it, or other columns do. */
const LEFT_OUT_FIRST = ['resent', 'on the way', 'p50', 'from → to'];
const GAP = '  ';

function ms(value) {
  if (value === null) return '';
  return value < 100 ? `${value.toFixed(1)} ms` : `${(value / 1000).toFixed(1)} s`;
}

function rowOf(flow) {
  const { what, from, to, sent, arrived, missing, doubled, resent } = flow;
  return [
    what,
    `${from} → ${to}`,
    sent,
    arrived,
    missing,
    doubled,
    resent,
    ms(flow.latency(50)),
    ms(flow.latency(99)),
  ].map(String);
}

/** The lines of the table, in as many columns as fit. Words to the left, numbers to the right. */
export function tableOf(flows, columns = Infinity) {
  const rows = [HEAD, ...flows.map(rowOf)];
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at].length)));
  const shown = new Set(HEAD.keys());
  const width = () => [...shown].reduce((sum, at) => sum + widths[at] + GAP.length, -GAP.length);
  for (const name of LEFT_OUT_FIRST) if (width() > columns) shown.delete(HEAD.indexOf(name));
  const padded = (row, at) => (at < 2 ? row[at].padEnd(widths[at]) : row[at].padStart(widths[at]));
  return rows.map((row) => [...shown].map((at) => padded(row, at)).join(GAP));
}

/** On a terminal the table is redrawn in place below what was said; elsewhere it is printed at each turn of events. */
export class Screen {
  #flows;
  #drawn = 0;
  #timer = null;
  #live = process.stdout.isTTY === true;

  constructor(flows) {
    this.#flows = flows;
  }

  begin() {
    if (this.#live) this.#timer = setInterval(() => this.#redraw([]), REDRAW_MS);
  }

  /** Says what happens; the table follows. */
  say(...lines) {
    if (this.#timer) this.#redraw(lines);
    else process.stdout.write(`${lines.join('\n')}\n`);
  }

  /** Prints the table as it is now, to stay. */
  end() {
    this.stop();
    if (this.#live) this.#redraw([]);
    else process.stdout.write(`${tableOf(this.#flows).join('\n')}\n`);
    this.#drawn = 0;
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #redraw(lines) {
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
    const columns = process.stdout.columns || 120;
    const table = ['', ...tableOf(this.#flows, columns)].map((line) => line.slice(0, columns));
    this.#drawn = table.length;
    process.stdout.write(`${up}\r${CLEAR_BELOW}${[...lines, ...table].join('\n')}\n`);
  }
}
