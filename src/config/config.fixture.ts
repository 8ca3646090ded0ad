import { parseSite, type SiteSource } from './parse';
import { ConfigError, type ConfigProblem } from './problems';
import type { CompiledSite } from './site';

export function source(text: string, more: Partial<SiteSource> = {}): SiteSource {
  const readFile = (path: string): string => {
    throw new Error(`no file ${path}`);
  };
  return { file: 'site.yaml', text, folder: '/srv/site', env: {}, readFile, ...more };
}

export function site(text: string, more: Partial<SiteSource> = {}): CompiledSite {
  return parseSite(source(text, more));
}

export function problemsOf(text: string, more: Partial<SiteSource> = {}): readonly ConfigProblem[] {
  try {
    site(text, more);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
