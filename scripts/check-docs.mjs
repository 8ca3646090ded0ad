#!/usr/bin/env node
/**
 * What our documents promise: relative links lead to files, ARCHITECTURE.md names files that exist, a folder's
 * README.md in src stays short enough to be read, and commands of guides are such as tests run.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, filesBelow, say } from './lib/prepare.mjs';

const FOLDER_README_LINES_MAX = 30;
const TREES = ['src', 'connectors', 'deploy', 'helm', 'bench', 'docs', 'test'];
const isMarkdown = (name) => name.endsWith('.md');
const TOP = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'];
const documents = [
  ...TOP.filter((name) => existsSync(join(ROOT, name))),
  ...TREES.flatMap((tree) => filesBelow(tree, isMarkdown)),
];

function withoutCode(text) {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
}

function deadLinks(file, text) {
  const links = [...withoutCode(text).matchAll(/\]\(<?([^)\s>]+)>?[^)]*\)/g)].map((match) => match[1]);
  const local = links.filter((link) => !/^([a-z][a-z+.-]*:|#)/i.test(link)).map((link) => link.split('#')[0]);
  return local
    .filter((link) => !existsSync(join(ROOT, dirname(file), decodeURI(link))))
    .map((link) => `${file}: the link to ${link} leads nowhere`);
}

/** In ARCHITECTURE.md a path in backticks is a promise too. */
function deadPaths(file, text) {
  if (file !== 'ARCHITECTURE.md') return [];
  const named = [...text.matchAll(/`((?:src|connectors|test|bench|deploy|helm|docs|scripts)\/[\w./-]+)`/g)];
  return named.filter(([, path]) => !existsSync(join(ROOT, path))).map(([, path]) => `${file}: ${path} does not exist`);
}

function tooLong(file, text) {
  if (!/^src\/.+\/README\.md$/.test(file)) return [];
  const lines = text.trimEnd().split('\n').length;
  return lines > FOLDER_README_LINES_MAX ? [`${file}: ${lines} lines, ${FOLDER_README_LINES_MAX} at most`] : [];
}

/** What a guide tells to type is run by test/e2e/guides.spec.ts, which goes by the language. */
function untestedCommands(file, text) {
  if (!file.startsWith('docs/guides/')) return [];
  const others = [...text.matchAll(/^```(bash|shell|console)?\n(?:[^`]*\n)?(?:\$ )?(?:npx )?fairlead /gm)];
  return others.map(() => `${file}: commands stand in a block of sh, so that they are tested`);
}

const problems = documents
  .filter((file) => statSync(join(ROOT, file)).isFile())
  .flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return [
      ...deadLinks(file, text),
      ...deadPaths(file, text),
      ...tooLong(file, text),
      ...untestedCommands(file, text),
    ];
  });

say(problems.length > 0 ? problems.join('\n') : `${documents.length} documents hold what they promise.`);
process.exitCode = problems.length > 0 ? 1 : 0;
