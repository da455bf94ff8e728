import http from 'node:http';
import type net from 'node:net';
import type { Moto } from './moto.ts';
import { escapeXml } from './xml.ts';

/** A log file of an instance as RDS lists it. `lastWritten`: ms since 1970. */
export type LogFile = { readonly instance: string; readonly name: string; readonly lastWritten: number; readonly text: string };

/** What stands before the emulator; `show` exchanges the files. */
export type LogFiles = Pick<Moto, 'url' | 'host' | 'port'> & {
  readonly show: (files: readonly LogFile[]) => void;
  readonly close: () => Promise<void>;
};

/**
 * A stand-in of ours for two calls of RDS, since moto 5.1 lacks DownloadDBLogFilePortion, and lists files that nobody wrote:
 * both as the RDS API Reference describes them, a portion being the last lines up to 1 MB. Everything else the emulator answers.
 */
export async function startLogFiles(moto: Pick<Moto, 'port'>): Promise<LogFiles> {
  let files: readonly LogFile[] = [];
  const answer = (form: URLSearchParams): string | null => {
    const instance = form.get('DBInstanceIdentifier');
    const own = files.filter((file) => file.instance === instance);
    if (form.get('Action') === 'DescribeDBLogFiles') return described(own);
    if (form.get('Action') !== 'DownloadDBLogFilePortion') return null;
    const file = own.find(({ name }) => name === form.get('LogFileName'));
    return file ? portion(file.text, Number(form.get('NumberOfLines'))) : missing(form.get('LogFileName') ?? '');
  };
  const listener = http.createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const xml = answer(new URLSearchParams(body.toString('utf8')));
      if (xml === null) return forward(moto.port, incoming, body, response);
      response.writeHead(xml.startsWith('<ErrorResponse') ? 404 : 200, { 'content-type': 'text/xml' });
      response.end(xml);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as net.AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    show: (next) => {
      files = next;
    },
    close: async () => {
      listener.closeAllConnections();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

const RESPONSE = '<ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>';

const wrapped = (operation: string, result: string): string =>
  `<${operation}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><${operation}Result>${result}</${operation}Result>${RESPONSE}</${operation}Response>`;

const described = (files: readonly LogFile[]): string => {
  const rows = files.map(
    ({ name, lastWritten, text }) =>
      `<DescribeDBLogFilesDetails><LogFileName>${escapeXml(name)}</LogFileName><LastWritten>${lastWritten}</LastWritten><Size>${Buffer.byteLength(text)}</Size></DescribeDBLogFilesDetails>`,
  );
  return wrapped('DescribeDBLogFiles', `<DescribeDBLogFiles>${rows.join('')}</DescribeDBLogFiles>`);
};

const MOST = 1_000_000;

const portion = (text: string, lines: number): string => {
  const last = text.split(/(?<=\n)/).slice(-lines);
  while (Buffer.byteLength(last.join('')) > MOST) last.shift();
  const data = escapeXml(last.join(''));
  return wrapped(
    'DownloadDBLogFilePortion',
    `<LogFileData>${data}</LogFileData><Marker>1:1</Marker><AdditionalDataPending>false</AdditionalDataPending>`,
  );
};

const missing = (name: string): string =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>DBLogFileNotFoundFault</Code><Message>DBLog File: ${escapeXml(name)} is not found</Message></Error><RequestId>0</RequestId></ErrorResponse>`;

function forward(port: number, incoming: http.IncomingMessage, body: Buffer, response: http.ServerResponse): void {
  const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...kept } = incoming.headers;
  const { method = 'POST', url = '/' } = incoming;
  const headers = { ...kept, 'content-length': body.length };
  const upstream = http.request({ host: '127.0.0.1', port, method, path: url, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  upstream.end(body);
}
