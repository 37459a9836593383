import { createServer } from 'node:https';
import type { LimitParts } from './limit.ts';

// The fastest webhook that this runtime allows: it reads the review for its uid and admits everything, with one and the
// same patch or none. A process of its own, as the operator is; it gets its certificate from the parent, tells it the port
// and later the count of its answers.

// As long as ours: the API server has to be the one who closes.
const keepAliveTimeout = 120_000;

const serve = ({ certificatePem, keyPem, patch }: LimitParts): void => {
  const verdict = {
    allowed: true,
    ...(patch && { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
  };
  let answered = 0;
  const server = createServer(
    { cert: certificatePem, key: keyPem, minVersion: 'TLSv1.2', keepAliveTimeout },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { apiVersion, kind, request: asked } = JSON.parse(Buffer.concat(chunks).toString());
        const body = JSON.stringify({ apiVersion, kind, response: { uid: asked.uid, ...verdict } });
        answered += 1;
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        });
        response.end(body);
      });
    },
  );
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) process.send?.({ port: address.port });
  });
  process.on('message', () => process.send?.({ answered }));
};

process.once('message', (parts) => serve(parts as LimitParts));
process.once('disconnect', () => process.exit(0));
