import { hasLogging, type Settings } from "./project.ts";

const mysql = `MYSQL_PWD=$(<"$MYSQL_PASSWORD_FILE") exec mysql -u"$MYSQL_USER" "$MYSQL_DATABASE"`;

export function summary(config: Settings, url: string, prefix = ""): string {
  const run = `${prefix}npm run`;
  const logs = hasLogging(config) ? [`${run} logs:search -- "TEXT", or ${run} kibana`] : [];
  const lines = [
    ...mysqlClient(config).map((command) => ["MySQL", command]),
    ["Logs", [`${run} logs`, ...logs].join(`\n${" ".repeat(13)}`)],
    ["Status", `${run} status`],
    ["Passwords", `${run} pulumi -- stack output credentials --show-secrets`],
    ["Delete", `${run} destroy`],
  ];
  return `
The blog answers on ${url}

${lines.map(([title = "", text = ""]) => `  ${title.padEnd(11)}${text}`).join("\n")}

Change a line in service/ and run "${run} preview" to see the effect.`;
}

/** The command that opens MySQL's client. A managed MySQL has none. */
function mysqlClient({ target, clusterName, namespace, network, kubeContext, mysqlHost }: Settings): string[] {
  const inPod = `exec -it -n ${namespace} mysql-0 -- bash -c '${mysql}'`;
  switch (target) {
    case "kind":
      return [`docker exec -it ${clusterName}-control-plane kubectl ${inPod}`];
    case "containers":
      return [`docker exec -it ${network}-mysql bash -c '${mysql}'`];
    case "existing":
      return mysqlHost ? [] : [`kubectl --context ${kubeContext} ${inPod}`];
  }
}
