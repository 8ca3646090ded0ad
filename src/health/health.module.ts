import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LinksModule } from '../runtime/links.module';
import { MeshModule } from '../runtime/mesh.module';
import { HealthController } from './health.controller';

@Module({
  // What is down is in the answer and in metrics; a log line per probe would bury the rest.
  imports: [TerminusModule.forRoot({ logger: false }), MeshModule, LinksModule],
  controllers: [HealthController],
})
export class HealthModule {}
