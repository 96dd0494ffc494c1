import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A document of Fluentd. */
export interface LogDocument {
  "@timestamp": string;
  message: string;
  stream?: string;
  tags?: string[];
  log?: { level: string };
  event: { id: string; duration?: number; original?: string };
  url?: { path: string };
  http?: { request?: { method?: string; id?: string }; response?: { status_code: number } };
  error?: { code?: string; type?: string; message?: string; stack_trace?: string };
  container?: unknown;
  kubernetes: {
    namespace: string;
    pod: { name: string; uid: string };
    node: { name: string };
    container: { name: string };
  };
  json?: Record<string, unknown>;
}

/** The part of Elasticsearch's bulk API that Fluentd uses, with faults on demand. */
export class BulkServer {
  readonly documents = new Map<string, LogDocument>();
  /** Status of whole requests. 200 accepts them. */
  status = 200;
  /** Status of one document. Defaults to 201. */
  refuse: (document: LogDocument) => number | undefined = () => undefined;
  /** Paths and users of all requests. */
  readonly requests = new Set<string>();
  /** Messages of documents that were sent again. */
  readonly duplicates: string[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void body(request).then((text) => {
        const user = Buffer.from(request.headers.authorization?.split(" ")[1] ?? "", "base64").toString();
        this.requests.add(`${request.method ?? ""} ${request.url ?? ""} ${user}`);
        response.setHeader("content-type", "application/json");
        response.setHeader("x-elastic-product", "Elasticsearch");
        if (this.status !== 200) {
          response.statusCode = this.status;
          response.end(JSON.stringify({ error: { type: "fault", reason: "on demand" }, status: this.status }));
          return;
        }
        const lines = text.split("\n").filter(Boolean);
        const items = lines.flatMap((line, index) => (index % 2 === 0 ? [this.#create(line, lines[index + 1])] : []));
        response.end(JSON.stringify({ took: 1, errors: items.some(({ create }) => create.status >= 300), items }));
      });
    });
  }

  /** Listens on all addresses, because containers connect to it. Returns the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #create(action: string, source = "") {
    const { create } = JSON.parse(action) as { create: { _index: string; _id: string } };
    const document = parse(source);
    const status = document ? this.#statusOf(create._id, document) : 400;
    if (document && status === 201) this.documents.set(create._id, document);
    return {
      create: { ...create, status, ...(status >= 300 && { error: { type: "some_exception", reason: "on demand" } }) },
    };
  }

  #statusOf(id: string, document: LogDocument): number {
    const refused = this.refuse(document);
    if (refused !== undefined) return refused;
    if (!this.documents.has(id)) return 201;
    this.duplicates.push(document.message);
    return 409;
  }
}

/** Elasticsearch refuses a document that is no JSON, and takes the others of the request. */
function parse(source: string): LogDocument | undefined {
  try {
    return JSON.parse(source) as LogDocument;
  } catch {
    return undefined;
  }
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
