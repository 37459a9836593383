import { createServer } from 'node:net';

// Below the range from which Linux takes ports for outgoing connections (32768 up), so that nothing but another
// listener can take one: a port that was free stays so until its server starts, and while that is restarted.
const lowestPort = 20_000;
const highestPort = 32_000;
const attempts = 50;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });

/** A TCP port of 127.0.0.1 on which nothing listens; throws when 50 random ones are all taken. */
export const freePort = async (random: () => number = Math.random): Promise<number> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = lowestPort + Math.floor(random() * (highestPort - lowestPort));
    if (await isFree(port)) return port;
  }
  throw new Error(
    `no free port found: ${attempts} random ports of 127.0.0.1 between ${lowestPort} and ${highestPort} are taken; ` +
      'stop what listens there (ss -ltn lists it)',
  );
};
