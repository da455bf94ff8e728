import net from 'node:net';

/**
 * What happens to a request:
 * `reset-before`: the connection breaks and the server never sees it; `reset-after`: the server does the work and the reply is
 * lost; `blackhole`: both directions fall silent and stay so; `delayMs`: it arrives late.
 */
export type Fault = 'reset-before' | 'reset-after' | 'blackhole' | { readonly delayMs: number };

/** One round trip of a client. */
export type Request = {
  /** Every SQL text in it, those of prepared statements that it executes included, joined by newlines. */
  readonly sql: string;
  /** The how-many-eth connection, and the how-many-eth request on it, from 0. */
  readonly connection: number;
  readonly request: number;
};

export type ChaosProxy = {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** How many faults happened so far. */
  readonly faults: () => number;
  /** The SQL of every request so far, in order of arrival. */
  readonly seen: () => readonly string[];
  /** Breaks every connection that is open now. */
  readonly breakAll: () => void;
  readonly close: () => Promise<void>;
};

/** What tells requests and replies apart in the bytes of a protocol. */
type Protocol = {
  /** Cuts the client's bytes at the ends of its requests. `sql` is null for what is none: start-up, passwords, good-bye. */
  readonly requests: () => (chunk: Buffer) => Part[];
  /** Whether the server's bytes since the request, of which at most so many are kept, end a reply. */
  readonly ends: (tail: Buffer) => boolean;
};
const PROTOCOLS = {
  postgres: { requests: postgresRequests, ends: (tail: Buffer) => tail.subarray(-READY.length - 1, -1).equals(READY) },
  // whatever changes something is answered by one packet
  mysql: { requests: mysqlRequests, ends: (tail: Buffer) => tail.length > 4 },
} satisfies Record<string, Protocol>;

/** A TCP proxy in front of a server that speaks without TLS; `rule` looks at each request and may choose a fault for it. */
export function startChaos(
  server: { readonly port: number },
  rule: (request: Request) => Fault | undefined,
  protocol: keyof typeof PROTOCOLS = 'postgres',
): Promise<ChaosProxy> {
  const open = new Set<net.Socket>();
  const seen: string[] = [];
  let connections = 0;
  let faults = 0;
  const observed = (request: Request): Fault | undefined => {
    seen.push(request.sql);
    const fault = rule(request);
    if (fault !== undefined) faults++;
    return fault;
  };
  const listener = net.createServer((client) => {
    open.add(client);
    client.on('close', () => open.delete(client));
    relay(client, net.connect(server.port, '127.0.0.1'), connections++, observed, PROTOCOLS[protocol]);
  });
  const breakAll = () => {
    for (const client of open) client.resetAndDestroy();
  };
  return new Promise((resolve, reject) => {
    listener.on('error', reject);
    listener.listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as net.AddressInfo;
      const close = () =>
        new Promise<void>((closed) => {
          listener.close(() => closed());
          breakAll();
        });
      resolve({ host: '127.0.0.1', port, faults: () => faults, seen: () => seen, breakAll, close });
    });
  });
}

function relay(
  client: net.Socket,
  server: net.Socket,
  connection: number,
  rule: (request: Request) => Fault | undefined,
  protocol: Protocol,
): void {
  const requests = protocol.requests();
  let silent = false;
  let loseReply = false;
  let request = 0;
  let tail: Buffer = Buffer.alloc(0);
  client.setNoDelay();
  server.setNoDelay();

  // one request after the other, also when one of them is delayed
  let turn = Promise.resolve();
  client.on('data', (chunk) => {
    for (const { bytes, sql } of requests(chunk)) turn = turn.then(() => forward(bytes, sql));
  });
  const forward = async (bytes: Buffer, sql: string | null): Promise<void> => {
    const fault = sql === null || silent ? undefined : rule({ sql, connection, request: request++ });
    if (silent || client.destroyed) return;
    if (fault === 'blackhole') silent = true;
    else if (fault === 'reset-before') client.resetAndDestroy();
    else {
      if (fault === 'reset-after') {
        loseReply = true;
        tail = Buffer.alloc(0);
      } else if (fault) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
      server.write(bytes);
    }
  };

  server.on('data', (chunk) => {
    tail = Buffer.concat([tail, chunk]).subarray(-TAIL);
    if (!silent && !loseReply) client.write(chunk);
    if (loseReply && protocol.ends(tail)) client.resetAndDestroy();
  });
  // A client that is going already cannot be reset: Node then tells an error, and never that it is closed.
  client.on('error', () => server.destroy());
  server.on('error', () => {});
  client.on('close', () => server.destroy());
  server.on('close', () => {
    if (!silent) client.destroy();
  });
}

const TAIL = 16;
/** ReadyForQuery, the last message of every reply, without its status byte. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5]);

type Part = { readonly bytes: Buffer; readonly sql: string | null };

function postgresRequests(): (chunk: Buffer) => Part[] {
  const prepared = new Map<string, string>();
  let started = false;
  let rest: Buffer = Buffer.alloc(0);
  let pending: Buffer[] = [];
  let texts: string[] = [];

  const take = (message: Buffer): Part[] => {
    const type = started ? String.fromCharCode(message[0] ?? 0) : 'startup';
    started = true;
    if (type === 'Q') return [{ bytes: message, sql: cString(message, 5) }];
    if (!'PBDECSH'.includes(type)) return [{ bytes: message, sql: null }];
    pending.push(message);
    if (type === 'P') {
      const name = cString(message, 5);
      const text = cString(message, 5 + Buffer.byteLength(name) + 1);
      prepared.set(name, text);
      texts.push(text);
    } else if (type === 'B') {
      const statement = cString(message, 5 + Buffer.byteLength(cString(message, 5)) + 1);
      const text = prepared.get(statement);
      if (text !== undefined && texts.at(-1) !== text) texts.push(text);
    }
    if (type !== 'S' && type !== 'H') return [];
    const part = { bytes: Buffer.concat(pending), sql: texts.join('\n') };
    pending = [];
    texts = [];
    return [part];
  };

  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const parts: Part[] = [];
    for (;;) {
      // the first message has no type byte; the length counts itself
      const header = started ? 1 : 0;
      if (rest.length < header + 4) return parts;
      const end = header + rest.readUInt32BE(header);
      if (rest.length < end) return parts;
      parts.push(...take(rest.subarray(0, end)));
      rest = rest.subarray(end);
    }
  };
}

/** Every command begins anew at packet 0; those of the login go on counting. */
function mysqlRequests(): (chunk: Buffer) => Part[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const parts: Part[] = [];
    while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
      const bytes = rest.subarray(0, 4 + rest.readUIntLE(0, 3));
      rest = rest.subarray(bytes.length);
      const isQuery = bytes[3] === 0 && (bytes[4] === COM_QUERY || bytes[4] === COM_STMT_PREPARE);
      parts.push({ bytes, sql: isQuery ? bytes.toString('utf8', 5).replace(NO_ATTRIBUTES, '') : null });
    }
    return parts;
  };
}
const COM_QUERY = 0x03;
const COM_STMT_PREPARE = 0x16;
/** Before the text, where the server takes attributes of queries: none, in one set. */
const NO_ATTRIBUTES = '\x00\x01';

function cString(message: Buffer, from: number): string {
  return message.toString('utf8', from, message.indexOf(0, from));
}
