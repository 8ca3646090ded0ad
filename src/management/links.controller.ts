import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { describeValue } from '../config/problems';
import type { LinkRow } from '../runtime/link-rows';
import { LinkManager } from '../runtime/link-manager';
import { RequestError } from './request-error';
import { LINK_CHANGE } from './schemas';

@Controller('api/v1/links')
export class LinksController {
  constructor(private readonly links: LinkManager) {}

  @Get()
  list(): { links: LinkRow[] } {
    return { links: this.links.rows() };
  }

  /** Changes a cost live. It holds until the document changes that link's cost, or the node restarts. */
  @Patch(':name')
  change(@Param('name') name: string, @Body() body: unknown): LinkRow {
    const result = LINK_CHANGE.safeParse(body);
    if (result.success) return this.links.setCost(name, result.data.cost);
    const [issue] = result.error.issues;
    const key = issue?.path[0]?.toString();
    const value = key === undefined ? body : (body as Record<string, unknown> | null)?.[key];
    throw new RequestError(key ?? 'body', issue?.message ?? 'a cost', describeValue(value, key));
  }
}
