import { type DynamicModule, Global, Module } from '@nestjs/common';
import { NODE_PARTS, type NodeParts, ON_FATAL, type OnFatal } from './node-parts';

@Global()
@Module({})
export class PartsModule {
  static forParts(parts: NodeParts, onFatal: OnFatal): DynamicModule {
    const providers = [
      { provide: NODE_PARTS, useValue: parts },
      { provide: ON_FATAL, useValue: onFatal },
    ];
    return { module: PartsModule, providers, exports: providers };
  }
}
