import { type DynamicModule, Module } from '@nestjs/common';
import { type ConfigBoot, ConfigModule } from './config/config.module';
import { HealthModule } from './health/health.module';
import { ManagementModule } from './management/management.module';
import { MetricsModule } from './metrics/metrics.module';
import { LifecycleModule } from './runtime/lifecycle.module';
import { LinksModule } from './runtime/links.module';
import { ListenersModule } from './runtime/listeners.module';
import { MeshModule } from './runtime/mesh.module';
import type { NodeParts, OnDrain, OnFatal } from './runtime/node-parts';
import { PartsModule } from './runtime/parts.module';

/** Composition only; the order of starting and stopping is in runtime/site-runtime.ts. */
@Module({})
export class AppModule {
  static forBoot(boot: ConfigBoot, parts: NodeParts, onFatal: OnFatal, onDrain: OnDrain): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forBoot(boot),
        PartsModule.forParts(parts, onFatal, onDrain),
        LifecycleModule,
        MeshModule,
        ListenersModule,
        LinksModule,
        HealthModule,
        MetricsModule,
        ManagementModule,
      ],
    };
  }
}
