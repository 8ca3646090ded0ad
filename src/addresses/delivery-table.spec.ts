import { DeliveryTable } from './delivery-table';

describe('the deliveries of a consumer', () => {
  it('have a token of their own until it is freed, settled or not', () => {
    const table = new DeliveryTable();
    expect([7, 8, 9].map((slot, n) => table.add(slot, n + 1))).toEqual([0, 1, 2]);
    expect(table.take(1)).toBe(8);
    expect(table.take(1)).toBe(-1);
    expect(table.size).toBe(2);
    expect(table.add(5, 4)).toBe(3);
    table.free(1);
    expect(table.add(6, 5)).toBe(1);
    expect(table.number(1)).toBe(5);
  });

  it('are told in the order in which they came', () => {
    const table = new DeliveryTable();
    for (let n = 0; n < 40; n++) table.add(n, n);
    for (let token = 0; token < 20; token++) {
      expect(table.take(token)).toBe(token);
      table.free(token);
    }
    for (let n = 40; n < 50; n++) table.add(n, n);
    expect(table.open().map((token) => table.number(token))).toEqual(Array.from({ length: 30 }, (_, n) => n + 20));
  });

  it('know nothing of a token that was never given', () => {
    expect(new DeliveryTable().take(100)).toBe(-1);
  });
});
