// Checks custom resources, a JSON list on standard input, against the models of their operators; prints what is wrong as JSON.
// The models' validators know types and values but let unknown keys pass, as a cluster would drop them: TypeScript finds those.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { GrafanaDashboard } from "@kubernetes-models/grafana-operator/grafana.integreatly.org/v1beta1/GrafanaDashboard";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
import { HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute";
import { Application } from "@kubernetes-models/argo-cd/argoproj.io/v1alpha1/Application";
import { HelmRelease } from "@kubernetes-models/flux-cd/helm.toolkit.fluxcd.io/v2/HelmRelease";
import { OCIRepository } from "@kubernetes-models/flux-cd/source.toolkit.fluxcd.io/v1/OCIRepository";

const PACKAGES = {
  "argoproj.io": "@kubernetes-models/argo-cd",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "helm.toolkit.fluxcd.io": "@kubernetes-models/flux-cd",
  "source.toolkit.fluxcd.io": "@kubernetes-models/flux-cd",
  "grafana.integreatly.org": "@kubernetes-models/grafana-operator",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};
const MODELS = [Application, GrafanaDashboard, HelmRelease, HTTPRoute, OCIRepository, PodMonitor, PrometheusRule, ServiceMonitor];
const OPTIONS = {
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: [],
};

const complaints = [];
const lines = [];
const names = [];
for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const name = `${object.kind} ${object.metadata?.name}`;
  const Model = MODELS.find((model) => model.apiVersion === object.apiVersion && model.kind === object.kind);
  if (!Model) {
    complaints.push(`${name}: there is no model of ${object.apiVersion}`);
    continue;
  }
  try {
    new Model(object).validate();
  } catch (error) {
    complaints.push(`${name}: ${error.message}`);
  }
  const [group, version] = object.apiVersion.split("/");
  const type = `import("${PACKAGES[group]}/${group}/${version}/${object.kind}").${object.kind}`;
  const { apiVersion, kind, ...content } = object;
  lines.push(`new (null as any as typeof ${type})(${JSON.stringify(content)});`);
  names.push(name);
}

const path = fileURLToPath(new URL("objects.ts", import.meta.url));
const host = ts.createCompilerHost(OPTIONS);
const { getSourceFile, fileExists } = host;
host.fileExists = (file) => file === path || fileExists.call(host, file);
host.getSourceFile = (file, language, ...rest) =>
  file === path ? ts.createSourceFile(file, lines.join("\n"), language) : getSourceFile.call(host, file, language, ...rest);
for (const { file, start, messageText } of ts.getPreEmitDiagnostics(ts.createProgram([path], OPTIONS, host))) {
  const name = file ? names[file.getLineAndCharacterOfPosition(start).line] : "TypeScript";
  complaints.push(`${name}: ${ts.flattenDiagnosticMessageText(messageText, "; ")}`);
}
process.stdout.write(JSON.stringify(complaints));
