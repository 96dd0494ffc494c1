import type { Settings } from "../../settings.ts";

const mysql = `MYSQL_PWD=$(<"$MYSQL_PASSWORD_FILE") exec mysql -u"$MYSQL_USER" "$MYSQL_DATABASE"`;

/** What `npm run up` prints at the end. Only the blog on a kind cluster was checked. */
export function summary(config: Settings, url: string): string {
  const isKind = config.target === "kind";
  const kubectl = isKind
    ? `docker exec -it ${config.clusterName}-control-plane kubectl`
    : `kubectl --context ${config.kubeContext}`;
  const kibana = isKind
    ? `http://localhost:${String(config.kibanaPort)}`
    : `${kubectl} -n ${config.loggingNamespace} port-forward svc/kibana 5601, then http://localhost:5601`;
  const lines = [
    ...(config.mysqlHost
      ? []
      : [["MySQL", `${kubectl} exec -it -n ${config.namespace} mysql-0 -- bash -c '${mysql}'`]]),
    ["Logs", "npm run logs"],
    ...(config.logging
      ? [
          ["", 'npm run logs:search -- "TEXT"'],
          ["Kibana", `${kibana}, user elastic`],
        ]
      : []),
    ["Status", "npm run status"],
    ["Passwords", "npm run pulumi -- stack output credentials --show-secrets"],
    ["Delete", "npm run destroy"],
  ];
  return `
The blog ${isKind ? "answers on" : "has the URL"} ${url}

${lines.map(([title = "", text = ""]) => `  ${title.padEnd(11)}${text}`).join("\n")}

Change a line in service/ and run "npm run preview" to see the effect.`;
}
