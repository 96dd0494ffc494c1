/** Kibana's saved objects as `logging/kibana/dashboard.json` describes them. */
export interface Dashboards {
  dashboard: {
    id: string;
    title: string;
    description: string;
    timeFrom: string;
    /** Position and size on a grid that is 48 wide. */
    panels: { type: string; id: string; x: number; y: number; w: number; h: number }[];
  };
  searches: { id: string; title: string; query: string; columns: string[] }[];
  visualizations: Visualization[];
}

interface Visualization {
  id: string;
  title: string;
  query: string;
  type: string;
  metrics: Aggregation[];
  segment?: Aggregation;
  group?: Aggregation;
  bucket?: Aggregation;
}

interface Aggregation {
  type: string;
  params: Record<string, unknown>;
}

/** An object as Kibana's import takes it: https://www.elastic.co/guide/en/kibana/8.19/saved-objects-api-import.html */
export interface SavedObject {
  type: string;
  id: string;
  attributes: Record<string, unknown>;
  references: { name: string; type: string; id: string }[];
  typeMigrationVersion: string;
}

/** The objects of a dashboard and all that is on it, in the data view. Kibana keeps much of them as JSON in strings. */
export function savedObjects({ dashboard, searches, visualizations }: Dashboards, dataView: string): SavedObject[] {
  const indexReference = { name: "kibanaSavedObjectMeta.searchSourceJSON.index", type: "index-pattern", id: dataView };
  const searchSource = (query: string) => ({
    searchSourceJSON: JSON.stringify({
      query: { query, language: "kuery" },
      filter: [],
      indexRefName: indexReference.name,
    }),
  });
  return [
    ...searches.map(({ id, title, query, columns }) => ({
      type: "search",
      id,
      attributes: {
        title,
        columns,
        sort: [["@timestamp", "desc"]],
        kibanaSavedObjectMeta: searchSource(query),
      },
      references: [indexReference],
      typeMigrationVersion: "8.0.0",
    })),
    ...visualizations.map((visualization) => ({
      type: "visualization",
      id: visualization.id,
      attributes: {
        title: visualization.title,
        visState: JSON.stringify(visState(visualization)),
        uiStateJSON: "{}",
        kibanaSavedObjectMeta: searchSource(visualization.query),
      },
      references: [indexReference],
      typeMigrationVersion: "8.5.0",
    })),
    {
      type: "dashboard",
      id: dashboard.id,
      attributes: {
        title: dashboard.title,
        description: dashboard.description,
        timeRestore: true,
        timeFrom: dashboard.timeFrom,
        timeTo: "now",
        refreshInterval: { pause: false, value: 10_000 },
        optionsJSON: JSON.stringify({ useMargins: true }),
        panelsJSON: JSON.stringify(
          dashboard.panels.map(({ type, id, x, y, w, h }) => ({
            type,
            panelIndex: id,
            panelRefName: `panel_${id}`,
            gridData: { i: id, x, y, w, h },
            embeddableConfig: {},
          })),
        ),
        kibanaSavedObjectMeta: {
          searchSourceJSON: JSON.stringify({ query: { query: "", language: "kuery" }, filter: [] }),
        },
      },
      references: dashboard.panels.map(({ type, id }) => ({ name: `${id}:panel_${id}`, type, id })),
      typeMigrationVersion: "8.7.0",
    },
  ];
}

/** The state of an aggregation-based visualization: its aggregations, numbered, each with the part that it plays. */
function visState({ title, type, metrics, ...buckets }: Omit<Visualization, "id" | "query">) {
  const parts: [schema: string, Aggregation | undefined][] = [
    ...metrics.map((metric): [string, Aggregation] => ["metric", metric]),
    ["bucket", buckets.bucket],
    ["segment", buckets.segment],
    ["group", buckets.group],
  ];
  const aggs = parts.flatMap(([schema, aggregation]) => (aggregation ? [{ schema, ...aggregation }] : []));
  return {
    title,
    type,
    aggs: aggs.map((aggregation, index) => ({ id: String(index + 1), enabled: true, ...aggregation })),
    params: type === "table" ? { perPage: 15 } : chartParams(type),
  };
}

/** One series against the time, bars stacked. */
function chartParams(type: string) {
  const axis = { show: true, style: {}, labels: { show: true, rotate: 0, filter: true, truncate: 100 } };
  const valueAxis = "ValueAxis-1";
  return {
    type,
    addTooltip: true,
    addLegend: true,
    legendPosition: "right",
    categoryAxes: [
      { ...axis, id: "CategoryAxis-1", type: "category", position: "bottom", scale: { type: "linear" }, title: {} },
    ],
    valueAxes: [
      {
        ...axis,
        id: valueAxis,
        name: "LeftAxis-1",
        type: "value",
        position: "left",
        scale: { type: "linear", mode: "normal" },
        title: { text: "" },
      },
    ],
    seriesParams: [
      {
        show: true,
        type,
        mode: type === "histogram" ? "stacked" : "normal",
        data: { id: "1", label: "" },
        valueAxis,
        drawLinesBetweenPoints: true,
        showCircles: true,
      },
    ],
  };
}
