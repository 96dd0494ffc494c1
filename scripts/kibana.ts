// npm run kibana: forwards a local port to Kibana until Ctrl-C. KIBANA_PORT changes the port, which defaults to 5601.
import { openLogging } from "./lib/logging.ts";
import { main } from "./lib/main.ts";
import { portError } from "./lib/preflight.ts";

await main(async () => {
  const port = Number(process.env.KIBANA_PORT ?? 5601);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`KIBANA_PORT is "${String(process.env.KIBANA_PORT)}": expected a port, 1 to 65535`);
  }
  const busy = await portError(port, "127.0.0.1");
  if (busy) {
    throw new Error(`Port ${String(port)} cannot be used (${busy}). Choose another: KIBANA_PORT=5602 npm run kibana`);
  }
  await openLogging("kibana", port);
  const url = `http://localhost:${String(port)}`;
  console.log(`
Kibana answers on ${url} until Ctrl-C

  User       elastic
  Password   npm run --silent pulumi -- stack output credentials --show-secrets   (elasticPassword)
  Dashboard  ${url}/app/dashboards#/view/koa-blog`);
});
