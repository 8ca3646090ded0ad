import { Controller, Get } from '@nestjs/common';
import { openApi } from './openapi';

/** The description of the API, for people and for generators of clients. */
@Controller('api/docs')
export class DocsController {
  readonly #description = openApi();

  @Get()
  describe(): object {
    return this.#description;
  }
}
