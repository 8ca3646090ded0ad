import { FakeListeners, siteOf } from './runtime.fixture';
import { ServiceManager } from './service-manager';

const SHOP = "{ address: anycast/shop, connect: '127.0.0.1:80' }";

describe('services', () => {
  it('are offered, added to and withdrawn as the document says, and left alone while it says the same', () => {
    const edges = new FakeListeners();
    const manager = new ServiceManager(edges.offer);
    const apply = (services: string) => manager.apply(siteOf(`services: [ ${services} ]`));
    expect(apply(SHOP)).toEqual([]);
    expect(apply(`${SHOP}, { address: db, connect: 'db.local:5432', connections: 7 }`)).toEqual([]);
    expect(edges.log).toEqual(['offer shop 80', 'offer db 5432']);
    expect(manager.rows()).toEqual([
      { service: 'shop', connect: '127.0.0.1:80', open: 1, connectionsMax: 4096, failures: 0, whyDown: null },
      { service: 'db', connect: 'db.local:5432', open: 1, connectionsMax: 7, failures: 0, whyDown: null },
    ]);
    apply("{ address: anycast/shop, connect: '127.0.0.1:81' }");
    expect(edges.log.slice(2)).toEqual(['offer shop 81', 'withdraw shop 80', 'withdraw db 5432']);
    manager.stop();
    expect(edges.log.slice(5).sort()).toEqual(['end db 5432', 'end shop 80', 'end shop 81']);
  });

  it('that cannot be offered are a problem at their place', () => {
    const edges = new FakeListeners();
    edges.busy.add(80);
    expect(new ServiceManager(edges.offer).apply(siteOf(`services: [ ${SHOP} ]`))).toEqual([
      { path: 'services[0]', expected: 'a service that can be offered', found: 'no more fit' },
    ]);
  });
});
