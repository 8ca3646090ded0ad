import { FilterTrie } from '../src/addresses/filter-trie';

/** CPU per lookup of a concrete name among many filters: what the first message to an address costs; later ones are cached. */
const FILTERS = 100_000;
const LOOKUPS = 300_000;

function filters(): FilterTrie<number> {
  const trie = new FilterTrie<number>();
  for (let n = 0; n < FILTERS; n++) {
    const [region, shop, item] = [n % 50, n % 2_000, n % 10_007];
    const shapes = [
      `orders.r${region}.s${shop}.i${item}.n${n}`,
      `orders.r${region}.s${shop}.i${item}.#`,
      `orders.*.s${shop}.i${item}.new`,
      `audit.r${region}.#`,
    ];
    trie.add(shapes[n % 10 < 7 ? 0 : n % 10 === 9 ? 2 : 1] as string, n);
  }
  trie.add('#', FILTERS);
  return trie;
}

function run(): void {
  const trie = filters();
  const names = Array.from({ length: 10_000 }, (_, n) => `orders.r${n % 50}.s${n % 2_000}.i${n % 10_007}.n${n}`);
  let found = 0;
  const cpu = process.cpuUsage();
  for (let n = 0; n < LOOKUPS; n++) trie.match(names[n % names.length] as string, () => void found++);
  const { user, system } = process.cpuUsage(cpu);
  const us = (user + system) / LOOKUPS;
  process.stdout.write(
    `lookups: ${us.toFixed(2)} CPU-us each among ${trie.size} filters, ${(found / LOOKUPS).toFixed(1)} found\n`,
  );
}

run();
