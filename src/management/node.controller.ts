import { Controller, Get, Header, Inject } from '@nestjs/common';
import { VERSION } from '../config/version';
import { LiveConfig } from '../config/live-config';
import type { MeshNode } from '../mesh/contract';
import { LinkManager } from '../runtime/link-manager';
import { ListenerManager, type ListenerRow } from '../runtime/listener-manager';
import { Lifecycle } from '../runtime/lifecycle';
import { MESH_NODE } from '../runtime/ports';
import type { AddressesAnswer, ConfigAnswer, StatusAnswer } from './answers';
import { homePage } from './home-page';
import { nodeRows } from './node-rows';

/** What a node knows of itself and its mesh. */
@Controller()
export class NodeController {
  constructor(
    @Inject(MESH_NODE) private readonly node: MeshNode,
    private readonly listeners: ListenerManager,
    private readonly links: LinkManager,
    private readonly lifecycle: Lifecycle,
    private readonly config: LiveConfig,
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  home(): string {
    const { name, site } = this.node.identity;
    return homePage({ node: name, site, version: VERSION, phase: this.lifecycle.phase });
  }

  @Get('api/v1/status')
  status(): StatusAnswer {
    const { name, site, incarnation } = this.node.identity;
    const { published, delivered, dropped } = this.node.counters();
    const links = this.links.rows();
    const nodes = nodeRows(this.node);
    const names = (within: boolean): string[] =>
      nodes.filter(({ reachable }) => reachable === within).map((row) => row.node);
    const unreachable = names(false);
    const { state: config, restartNeeded } = this.config.status;
    return {
      node: name,
      site,
      incarnation,
      version: VERSION,
      phase: this.lifecycle.phase,
      since: this.lifecycle.since,
      links: { up: links.filter((row) => row.state === 'up').length, total: links.length },
      nodes: { reachable: nodes.length - unreachable.length, total: nodes.length, names: names(true), unreachable },
      connections: this.listeners.rows().reduce((sum, row) => sum + row.connections, 0),
      messages: { published, delivered, dropped: Object.fromEntries(dropped) },
      config,
      restartNeeded,
    };
  }

  @Get('api/v1/listeners')
  allListeners(): { listeners: ListenerRow[] } {
    return { listeners: this.listeners.rows() };
  }

  @Get('api/v1/addresses')
  addresses(): AddressesAnswer {
    const rules = this.node.rulesInForce().map(({ rule, saidBy }) => ({ ...rule, saidBy: [...saidBy] }));
    return { defaultKind: this.config.site.defaultKind, rules, conflicts: this.node.conflicts() };
  }

  @Get('api/v1/config')
  configuration(): ConfigAnswer {
    return { status: this.config.status, site: this.config.site };
  }
}
