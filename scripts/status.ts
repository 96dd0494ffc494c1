// npm run status: lists the nodes and pods, and checks whether the blog answers.
import { blogUrl } from "../settings.ts";
import { fetchWithin } from "./lib/fetchWithin.ts";
import { blogNamespace, kubectl } from "./lib/kubectl.ts";
import { main } from "./lib/main.ts";
import { settings } from "./lib/project.ts";
import { prepareStack, stackOutputs } from "./lib/stack.ts";

await main(async () => {
  const config = settings();
  kubectl("get", "nodes");
  console.log();
  const kinds = "pods,services,ingresses,jobs,horizontalpodautoscalers,persistentvolumeclaims";
  for (const namespace of [blogNamespace(), ...(config.logging ? [config.loggingNamespace] : [])]) {
    kubectl("get", kinds, "--namespace", namespace, "--output", "wide");
  }
  const url = config.target === "kind" ? blogUrl(config) : await urlOfStack();
  // The stack does not know the address of a node, or of a load balancer that is not ready yet.
  if (url.includes("ADDRESS-OF-")) {
    console.log(`\n${url}`);
    return;
  }
  const answer = await fetchWithin(5000, url).catch((error: unknown) => error as Error);
  const ok = answer instanceof Response && answer.ok;
  console.log(
    `\n${url} ${answer instanceof Response ? `answers ${String(answer.status)}` : `does not answer: ${answer.message}`}`,
  );
  if (!ok) process.exitCode = 1;
});

async function urlOfStack(): Promise<string> {
  await prepareStack();
  const { url } = (await stackOutputs()) as { url?: string };
  if (!url) throw new Error('The stack does not run. Start it with "npm run up".');
  return url;
}
