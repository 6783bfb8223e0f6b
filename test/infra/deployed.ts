import { App, type Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { runstone } from "../../infra/runstone.ts";
import { readSettings, type StageSettings } from "../../infra/settings.ts";

/** The templates of a stage with these settings, by part. */
export const templatesOf = (settings: StageSettings = {}) => {
  const app = new App();
  const stacks = runstone(app, "test", readSettings("test", settings));
  const of = (stack: Stack): Template => Template.fromStack(stack);
  return {
    app,
    data: of(stacks.data),
    ingest: of(stacks.ingest),
    jobs: of(stacks.jobs),
    api: of(stacks.api),
    project: of(stacks.project),
    upkeep: of(stacks.upkeep),
    operations: of(stacks.operations),
  };
};

/** A resource as a template writes it. */
export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: templates are JSON of many shapes
  readonly Properties: any;
  readonly DeletionPolicy?: string;
}

/** Resources of a type in all templates, with their ids. */
export const resourcesOf = (templates: readonly Template[], type: string): [id: string, resource: Resource][] =>
  templates.flatMap((template) => Object.entries(template.findResources(type)) as [string, Resource][]);

/** Properties of the only resource of a type. */
export const onlyResource = (template: Template, type: string): Resource["Properties"] => {
  const [first, ...others] = resourcesOf([template], type);
  if (first === undefined || others.length > 0) throw new Error(`expected one ${type}`);
  return first[1].Properties;
};
