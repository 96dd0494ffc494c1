import assert from "node:assert/strict";

import { useBlog } from "../service/blog.ts";
import type { Client, Reply } from "../service/client.ts";
import { elements } from "./elements.ts";

const ROUNDS = 15;

describe("Whether a name is registered", function () {
  this.timeout(180_000);
  const suite = useBlog();
  let stranger: Client;
  let token: string;

  beforeEach(async () => {
    // A login upgrades the hash of "test". "other" keeps an old Werkzeug hash.
    await suite.client.login();
    stranger = suite.blog.client();
    token = await stranger.token();
  });

  const attempt = async (username: string): Promise<Reply> => {
    await suite.db("attempt").delete();
    return stranger.post("/auth/login", { username, password: "wrong" }, { token });
  };

  const median = (values: number[]) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;

  /** The median of a measurement for each name. The names take turns. */
  async function medians(names: string[], measure: () => () => number): Promise<number[]> {
    const values = names.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [index, name] of names.entries()) {
        await suite.db("attempt").delete();
        const stop = measure();
        await stranger.post("/auth/login", { username: name, password: "wrong" }, { token });
        values[index]?.push(stop());
      }
    }
    const figures = values.map(median);
    console.log(`        ${names.map((name, index) => `${name}: ${figures[index]?.toFixed(0) ?? ""} ms`).join(", ")}`);
    return figures;
  }

  const assertAlike = (figures: number[], tolerance: number) => {
    const [least, most] = [Math.min(...figures), Math.max(...figures)];
    assert.ok(most < least * (1 + tolerance), figures.join());
  };

  it("is not in the answer to a log-in that fails", async () => {
    const seen = async (name: string) => {
      const { status, headers, text } = await attempt(name);
      const rest = text.replaceAll(name, "NAME").replaceAll(/value="[^"]*"/g, "");
      return { status, names: [...headers.keys()], rest, elements: await elements(text) };
    };
    const unknown = await seen("nobody");
    assert.equal(unknown.status, 200);
    for (const name of ["test", "other"]) assert.deepEqual(await seen(name), unknown, name);
  });

  it("is not in the answer to a log-in too many", async () => {
    const seen = async (name: string) => {
      await suite.db("attempt").delete();
      for (let i = 0; i < 10; i += 1) {
        await stranger.post("/auth/login", { username: name, password: "wrong" }, { token });
      }
      const { status, text } = await stranger.post("/auth/login", { username: name, password: "wrong" }, { token });
      return { status, rest: text.replaceAll(name, "NAME").replaceAll(/value="[^"]*"|\d+ seconds/g, "") };
    };
    const unknown = await seen("nobody");
    assert.equal(unknown.status, 429);
    assert.deepEqual(await seen("test"), unknown);
  });

  it("is not in the time of a log-in that fails, whichever kind its hash is of", async () => {
    const figures = await medians(["test", "other", "nobody"], () => {
      const start = performance.now();
      return () => performance.now() - start;
    });
    assertAlike(figures, 0.25);
  });

  it("is not in the work for a log-in that fails, which would show where many come at once", async () => {
    const figures = await medians(["test", "nobody"], () => {
      const start = process.cpuUsage();
      return () => {
        const { user, system } = process.cpuUsage(start);
        return (user + system) / 1000;
      };
    });
    assertAlike(figures, 0.25);
  });
});
