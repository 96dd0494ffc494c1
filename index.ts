import * as pulumi from "@pulumi/pulumi";

import { Blog } from "./components/blog/blog.ts";
import { BlogConfiguration } from "./components/blog/blogConfiguration.ts";
import { BlogNamespace } from "./components/blog/blogNamespace.ts";
import { BlogService } from "./components/blog/blogService.ts";
import { MySql, mysqlHostIn } from "./components/blog/mySql.ts";
import { SchemaMigration } from "./components/blog/schemaMigration.ts";
import { ExistingCluster } from "./components/cluster/existingCluster.ts";
import { LocalCluster } from "./components/cluster/localCluster.ts";
import { BlogImage } from "./components/images/blogImage.ts";
import { Logging } from "./components/logging/logging.ts";
import { loadConfig } from "./config.ts";

const config = loadConfig();

const cluster =
  config.cluster.target === "kind"
    ? new LocalCluster("local", config.cluster.args)
    : new ExistingCluster("existing", config.cluster.args);
const image = new BlogImage("image", { ...config.image, registry: cluster.registry });

const namespace = new BlogNamespace("namespace", config.namespace, cluster.options);
const configuration = new BlogConfiguration(
  "configuration",
  { ...config.configuration, mysqlHost: config.mysqlHost ?? mysqlHostIn(config.namespace.name) },
  { ...cluster.options, dependsOn: [namespace] },
);
const service = new BlogService("service", config.service, { ...cluster.options, dependsOn: [configuration] });
const mysql = config.mysqlHost
  ? undefined
  : new MySql(
      "mysql",
      { ...config.mysql, image: cluster.image("mysql-image", config.mysqlImage), configuration },
      { ...cluster.options, dependsOn: [service] },
    );
const migration = new SchemaMigration(
  "migration",
  { namespace: config.namespace.name, image: image.reference, configuration },
  { ...cluster.options, dependsOn: [mysql ?? configuration] },
);
new Blog(
  "blog",
  { ...config.blog, image: image.reference, version: image.tag, configuration },
  { ...cluster.options, dependsOn: [migration, service] },
);

// The blog does not wait for the logs.
const logging = config.hasLogging
  ? new Logging(
      "logging",
      {
        ...config.logging,
        elasticsearchImage: cluster.image("elasticsearch-image", config.elasticsearchImage),
        kibanaImage: cluster.image("kibana-image", config.kibanaImage),
        fluentdImage: cluster.image("fluentd-image", config.fluentdImage),
      },
      cluster.options,
    )
  : undefined;

/** URL of the blog. */
export const url = service.url;
/** Tag of the blog's image, a hash of its content. */
export const imageTag = image.tag;
/** Kubeconfig of the kind cluster. Secret. */
export const kubeconfig = cluster instanceof LocalCluster ? cluster.kubeconfig : undefined;
/** User names and passwords. Secret. */
export const credentials = pulumi.secret(
  pulumi.all({
    mysqlUser: configuration.mysqlUser,
    mysqlPassword: configuration.mysqlPassword,
    mysqlRootPassword: mysql?.rootPassword,
    sessionKeys: configuration.sessionKeys,
    elasticPassword: logging?.elasticPassword,
  }),
);
