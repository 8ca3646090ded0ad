import { mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskSpace } from './disk-space';
import { RESERVE_BYTES, SPACE_LOOK_BYTES } from './limits';

jest.mock('node:fs', () => {
  const fs = jest.requireActual<typeof import('node:fs')>('node:fs');
  return { ...fs, statfsSync: jest.fn() };
});

const MIB = 1024 ** 2;
const top = mkdtempSync(join(tmpdir(), 'fairlead-space-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** A volume of a size with so much of it free, and a file with free pages. */
function setUp(totalMib: number) {
  const folder = mkdtempSync(join(top, 'of-'));
  const volume = { freeMib: totalMib, inFileMib: 0 };
  const space = new DiskSpace(join(folder, 'data.mdb'), () => volume.inFileMib * MIB);
  const is = (freeMib: number, inFileMib = 0): boolean => {
    jest.mocked(statfsSync).mockReturnValue({ bsize: MIB, blocks: totalMib, bavail: freeMib } as never);
    volume.inFileMib = inFileMib;
    return space.isFull();
  };
  return { space, is, files: () => readdirSync(folder) };
}

describe('room on a volume', () => {
  it('is short below 64 MiB, and again enough with a quarter more', () => {
    const { is } = setUp(10_000);
    expect([is(65), is(63), is(70), is(79), is(81), is(65)]).toEqual([false, true, true, true, false, false]);
  });

  it('is less on a small volume', () => {
    const { is } = setUp(32);
    expect([is(5), is(3), is(4.5), is(6)]).toEqual([false, true, true, false]);
  });

  it('is also what is free within the file', () => {
    const { is } = setUp(10_000);
    expect([is(10, 60), is(10, 50), is(0, 500)]).toEqual([false, true, false]);
  });

  it('is used up when next to nothing is left, whatever is free within the file', () => {
    const { space, is } = setUp(10_000);
    expect([is(0, 500), space.isUsedUp()]).toEqual([false, true]);
    expect([is(2, 0), space.isUsedUp()]).toEqual([true, false]);
  });

  it('is what it was where the system does not say', () => {
    const { space, is } = setUp(10_000);
    const full = is(1);
    jest.mocked(statfsSync).mockImplementation(() => {
      throw new Error('EIO');
    });
    expect([full, space.isFull()]).toEqual([true, true]);
  });

  it('is looked at again after so many bytes', () => {
    const { space, is } = setUp(10_000);
    expect([space.hasWritten(SPACE_LOOK_BYTES - 1), space.hasWritten(1)]).toEqual([false, true]);
    is(100);
    expect(space.hasWritten(1)).toBe(false);
  });

  it('has a reserve, which is given up once and taken again when there is room', () => {
    const { space, is, files } = setUp(10_000);
    is(1);
    expect(files()).toEqual([]);
    is(1_000);
    expect(files()).toEqual(['reserve']);
    space.giveReserve();
    space.giveReserve();
    expect(files()).toEqual([]);
    is(RESERVE_BYTES / MIB, 1_000);
    expect(files()).toEqual([]);
    is(1_000);
    expect(files()).toEqual(['reserve']);
  });
});
