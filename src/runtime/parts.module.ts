import { type DynamicModule, Global, Module } from '@nestjs/common';
import { NODE_PARTS, type NodeParts, ON_DRAIN, ON_FATAL, type OnDrain, type OnFatal } from './node-parts';

@Global()
@Module({})
export class PartsModule {
  static forParts(parts: NodeParts, onFatal: OnFatal, onDrain: OnDrain): DynamicModule {
    const providers = [
      { provide: NODE_PARTS, useValue: parts },
      { provide: ON_FATAL, useValue: onFatal },
      { provide: ON_DRAIN, useValue: onDrain },
    ];
    return { module: PartsModule, providers, exports: providers };
  }
}
