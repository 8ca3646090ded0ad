import { ModelStore } from './model-store.fixture';
import { describeStore, type StoreUnderTest } from './store-contract.fixture';

function underTest(store: ModelStore): StoreUnderTest {
  return {
    store,
    pass: () => Promise.resolve(store.step(1)),
    reopen: () => Promise.resolve(underTest(store.crash())),
    close: () => Promise.resolve(),
    damage: (space, queue, key) => Promise.resolve(store.damage(space, queue, key)),
  };
}

describeStore('a store in memory', () => Promise.resolve(underTest(new ModelStore())));
describeStore('a store in memory whose reads see what is committed', () =>
  Promise.resolve(underTest(new ModelStore({ early: true }))),
);
