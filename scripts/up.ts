// npm run up: brings the whole stack up, or up to date, and says where it is. Arguments go to `pulumi up`.
import { check } from "./lib/check.ts";
import { main } from "./lib/main.ts";
import { hasLogging, settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack, stackOutputs } from "./lib/stack.ts";
import { ensureKind } from "./lib/tools.ts";

await main(async () => {
  await check({ quiet: true });
  await ensureKind();
  await prepareStack();
  // Nobody is asked whether to go on, so nothing needs to be planned twice.
  await pulumi(["up", "--yes", "--skip-preview", "--stack", stackName, ...process.argv.slice(2)]);
  const config = settings();
  const { clusterName, namespace } = config;
  const { url } = await stackOutputs();
  const kubectl = `docker exec -it ${clusterName}-control-plane kubectl`;
  const mysql = `MYSQL_PWD=$(<"$MYSQL_PASSWORD_FILE") exec mysql -u"$MYSQL_USER" "$MYSQL_DATABASE"`;
  console.log(`
The blog answers on ${String(url)}

  MySQL      ${kubectl} exec -it -n ${namespace} mysql-0 -- bash -c '${mysql}'
  Logs       npm run logs${
    hasLogging(config)
      ? `
             npm run logs:search -- "TEXT", or npm run kibana`
      : ""
  }
  Status     npm run status
  Passwords  npm run pulumi -- stack output credentials --show-secrets
  The end    npm run destroy

Change a line in service/ and run "npm run preview" to see what would roll.`);
});
