export interface HomeFacts {
  readonly node: string;
  readonly site: string;
  readonly version: string;
  readonly phase: string;
}

const PAGES: readonly (readonly [path: string, what: string])[] = [
  ['/health/live', 'the process runs'],
  ['/health/ready', 'the node takes traffic'],
  ['/health/links', 'links to other nodes'],
  ['/metrics', 'numbers for Prometheus'],
  ['/api/docs', 'the API, described (OpenAPI)'],
  ['/api/v1/status', 'the node in short'],
  ['/api/v1/links', 'links; PATCH /api/v1/links/NAME changes a cost'],
  ['/api/v1/listeners', 'where clients connect'],
  ['/api/v1/nodes', 'nodes of the mesh'],
  ['/api/v1/addresses', 'address rules'],
  ['/api/v1/queues', 'queues'],
  ['/api/v1/subscriptions', 'durable and shared subscriptions'],
  ['/api/v1/sessions', 'sessions of clients'],
  ['/api/v1/retained', 'retained messages'],
  ['/api/v1/services', 'TCP services'],
  ['/api/v1/config', 'the document in force'],
];

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** What a browser sees until there is a console: what this is, and where the rest is. */
export function homePage({ node, site, version, phase }: HomeFacts): string {
  const items = PAGES.map(([path, what]) => `<li><a href="${path}">${path}</a> – ${escapeHtml(what)}</li>`).join('\n');
  const title = escapeHtml(`Fairlead node ${node}`);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body>
<h1>${title}</h1>
<p>Site ${escapeHtml(site)}, version ${escapeHtml(version)}, ${escapeHtml(phase)}.</p>
<ul>
${items}
</ul>
</body>
</html>
`;
}
