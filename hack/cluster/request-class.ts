/** What a request to an API server asks for. */
export type RequestClass = {
  /** As RBAC has it: get, list, watch, create, update, patch, delete, deletecollection. */
  verb: string;
  /** `pods`, `pods/eviction`; for what is no resource, the path. */
  resource: string;
  namespace?: string;
  name?: string;
};

const verbs: Record<string, { one: string; all: string }> = {
  GET: { one: 'get', all: 'list' },
  POST: { one: 'create', all: 'create' },
  PUT: { one: 'update', all: 'update' },
  PATCH: { one: 'patch', all: 'patch' },
  DELETE: { one: 'delete', all: 'deletecollection' },
};

const resourcePath = /^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)\/(.+)$/;

/** Names what a method and a path, query included, ask an API server for. */
export const requestClass = (method: string, pathAndQuery: string): RequestClass => {
  const { pathname, searchParams } = new URL(pathAndQuery, 'https://api');
  const verb = verbs[method] ?? { one: method.toLowerCase(), all: method.toLowerCase() };
  const [, rest] = resourcePath.exec(pathname) ?? [];
  if (rest === undefined) return { verb: verb.one, resource: pathname };
  const parts = rest.split('/');
  // /namespaces/x is an object itself, /namespaces/x/pods lies in it, /namespaces/x/status is its subresource.
  const inNamespace =
    parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2] ?? '');
  const [resource = '', name, subresource] = inNamespace ? parts.slice(2) : parts;
  const watching = ['true', '1'].includes(searchParams.get('watch') ?? '');
  return {
    verb: watching ? 'watch' : name === undefined ? verb.all : verb.one,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    ...(inNamespace ? { namespace: parts[1] ?? '' } : {}),
    ...(name === undefined ? {} : { name }),
  };
};
