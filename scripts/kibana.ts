// npm run kibana: makes Kibana reachable on this machine until Ctrl-C. KIBANA_PORT names another port than 5601.
import { openLogging } from "./lib/logging.ts";
import { main } from "./lib/main.ts";
import { portOf } from "./lib/portForward.ts";

await main(async () => {
  const { server } = await openLogging("kibana", Number(process.env.KIBANA_PORT ?? 5601));
  const url = `http://localhost:${String(portOf(server))}`;
  console.log(`
Kibana answers on ${url} until Ctrl-C

  User       elastic
  Password   npm run --silent pulumi -- stack output credentials --show-secrets   (elasticPassword)
  Dashboard  ${url}/app/dashboards#/view/koa-blog`);
});
