import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A document of Fluentd. */
export interface LogDocument {
  "@timestamp": string;
  message: string;
  tags?: string[];
  event: { id: string; original?: string };
  kubernetes: { pod?: { name: string } };
  json?: Record<string, unknown>;
  log?: unknown;
  error?: unknown;
}

/** The part of Elasticsearch's bulk API that Fluentd uses, with faults on demand. */
export class BulkServer {
  readonly documents = new Map<string, LogDocument>();
  /** Status of the next request. With 200, each document has a status of its own. */
  answer: () => number = () => 200;
  /** Status of one document. Defaults to 201. */
  refuse: (document: LogDocument) => number | undefined = () => undefined;
  /** Paths and users of all requests. */
  readonly requests = new Set<string>();
  /** Statuses of the requests that failed. */
  readonly failures: number[] = [];
  /** Messages of documents that were sent again. */
  readonly duplicates: string[] = [];

  readonly server = createServer(async (request, response) => {
    const lines = (await text(request)).split("\n");
    const user = Buffer.from(request.headers.authorization?.split(" ")[1] ?? "", "base64").toString();
    this.requests.add(`${request.method ?? ""} ${request.url ?? ""} ${user}`);
    const status = this.answer();
    if (status !== 200) this.failures.push(status);
    const items = lines.flatMap((line, index) =>
      status === 200 && line.startsWith('{"create":') ? [{ create: this.#create(line, lines[index + 1] ?? "") }] : [],
    );
    response.writeHead(status, { "content-type": "application/json", "x-elastic-product": "Elasticsearch" });
    response.end(JSON.stringify({ errors: items.some(({ create }) => create.status >= 300), items }));
  });

  /** Listens on all addresses, because containers connect to it. Returns the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, resolve));
    return (this.server.address() as AddressInfo).port;
  }

  /** The documents of a pod, in the order of their lines. */
  of(pod: string): LogDocument[] {
    return [...this.documents.values()]
      .filter(({ kubernetes }) => kubernetes.pod?.name === pod)
      .sort((one, other) => one["@timestamp"].localeCompare(other["@timestamp"]));
  }

  messages(pod: string): string[] {
    return this.of(pod).map(({ message }) => message);
  }

  #create(action: string, source: string) {
    const { _id } = (JSON.parse(action) as { create: { _id: string } }).create;
    const status = this.#statusOf(_id, source);
    const type = status === 429 ? "es_rejected_execution_exception" : "document_parsing_exception";
    return { _id, status, ...(status >= 300 && { error: { type, reason: "on demand" } }) };
  }

  #statusOf(id: string, source: string): number {
    let document: LogDocument;
    try {
      document = JSON.parse(source) as LogDocument;
    } catch {
      // Elasticsearch refuses a document that is no JSON, and takes the others of the request.
      return 400;
    }
    const refused = this.refuse(document);
    if (refused !== undefined) return refused;
    if (this.documents.has(id)) {
      this.duplicates.push(document.message);
      return 409;
    }
    this.documents.set(id, document);
    return 201;
  }
}
