import { Global, Module } from '@nestjs/common';
import { Lifecycle } from './lifecycle';
import { TurnScheduler } from './turn-scheduler';

@Global()
@Module({
  providers: [
    { provide: Lifecycle, useFactory: () => new Lifecycle() },
    { provide: TurnScheduler, useFactory: () => new TurnScheduler() },
  ],
  exports: [Lifecycle, TurnScheduler],
})
export class LifecycleModule {}
