import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Journal } from '../common/ports';
import { checkAside } from './check-aside';
import { LiveConfig } from './live-config';
import type { CompiledSite } from './site';

/** The document a node is started with, and where its events go. */
export interface ConfigBoot {
  readonly file: string;
  readonly text: string;
  readonly site: CompiledSite;
  readonly journal: Journal;
}

/** Nest token of the journal. */
export const JOURNAL = Symbol('Journal');

@Global()
@Module({})
export class ConfigModule {
  static forBoot({ file, text, site, journal }: ConfigBoot): DynamicModule {
    const ports = { check: checkAside, journal, wall: Date.now, now: () => performance.now() };
    const providers = [
      { provide: JOURNAL, useValue: journal },
      { provide: LiveConfig, useValue: new LiveConfig(file, text, site, ports) },
    ];
    return { module: ConfigModule, providers, exports: providers };
  }
}
