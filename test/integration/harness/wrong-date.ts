import { readFileSync } from 'node:fs';

// Loaded into a process before its program (`node --import`): its time of day is off by as many milliseconds as a file says,
// which is named in the query of the import and read again on SIGUSR2. The elapsed time goes on as it does when a clock is set.
const file = new URL(import.meta.url).searchParams.get('file') ?? '';
const rightDate = Date;
let offMs = 0;
const read = (): void => {
  offMs = Number(readFileSync(file, 'utf8'));
};
const nowMs = (): number => rightDate.now() + offMs;
read();
process.on('SIGUSR2', read);
globalThis.Date = new Proxy(rightDate, {
  construct: (target, args: []) => (args.length === 0 ? new target(nowMs()) : new target(...args)),
  apply: () => new rightDate(nowMs()).toString(),
  get: (target, key) => (key === 'now' ? nowMs : Reflect.get(target, key)),
});
