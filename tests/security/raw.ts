import { connect } from "node:net";

/** What came back over a connection: the status of each response, and all of its text. */
export interface RawReply {
  statuses: number[];
  text: string;
  /** Whether the other side ended the connection. */
  closed: boolean;
  ms: number;
}

/**
 * Sends bytes over a connection of their own, as no HTTP client would, and reads until the other side ends it or has been
 * silent for a while.
 *
 * @param silence in milliseconds
 */
export function sendRaw(port: number, bytes: Buffer | string, silence = 300): Promise<RawReply> {
  const start = Date.now();
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const finish = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      resolve({ statuses, text, closed, ms: Date.now() - start });
    };
    let timer = setTimeout(finish, silence, false);
    socket.on("data", (data) => {
      text += data.toString("latin1");
      clearTimeout(timer);
      timer = setTimeout(finish, silence, false);
    });
    socket.on("close", () => {
      finish(true);
    });
    socket.on("error", () => {
      finish(true);
    });
  });
}
