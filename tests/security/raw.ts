import { connect } from "node:net";

/** The responses of a connection: their statuses, and the whole text. */
export interface RawReply {
  statuses: number[];
  text: string;
  /** Whether the server closed the connection. */
  closed: boolean;
  ms: number;
}

/**
 * Sends raw bytes over a new connection. Reads until the server closes the connection or is silent.
 *
 * @param silence - timeout in milliseconds
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
