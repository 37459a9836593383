import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { presentedBy } from './client-hello.ts';
import { Door } from './door.ts';

/**
 * Makes the connections of a server wait for their handshakes at a door; `refuse` hears of those that begin otherwise, and
 * has to close them.
 *
 * The kernel hands out new connections in the order in which they came, so an API server's stand behind all those of a flood.
 * Taking one in costs little. A handshake begins once the ClientHello is there, one in each turn of the event loop, and the
 * addresses take turns.
 */
export const paceHandshakes = (server: Server, refuse: (socket: Socket) => void): void => {
  const door = new Door<Socket>();
  // The listeners of the server itself begin a handshake.
  const beginnings = server.listeners('connection');
  server.removeAllListeners('connection');
  let isTurnDue = false;

  const turn = (): void => {
    isTurnDue = false;
    const next = door.take();
    if (next) for (const begin of beginnings) Reflect.apply(begin, server, [next]);
    expectTurn();
  };
  const expectTurn = (): void => {
    if (isTurnDue || door.isEmpty) return;
    isTurnDue = true;
    setImmediate(turn);
  };

  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    // Without a listener an error of a socket ends the process.
    socket.on('error', () => {});
    socket.once('close', () => door.leave(socket, address));
    onFirstBytes(socket, (presented) => {
      if (presented === 'other') return refuse(socket);
      door.wait(socket, address);
      expectTurn();
    });
  });
};

/** Calls back once a connection has presented something; whoever reads from it next finds all of it. */
const onFirstBytes = (socket: Socket, tell: (presented: 'hello' | 'other') => void): void => {
  let bytes = Buffer.alloc(0);
  const read = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    const presented = presentedBy(bytes);
    if (presented === 'part') return;
    socket.off('data', read).pause().unshift(bytes);
    tell(presented);
  };
  socket.on('data', read);
};
