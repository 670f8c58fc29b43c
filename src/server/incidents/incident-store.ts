// Incidents in a folder, a Markdown file each, so that an operator can write them with an editor as well as over the admin API.
// Read again once in a while; a file that is no incident is overlooked and told of.
import type { OperationFiles } from '../operations/operation-files.js';
import { decodeIncident, encodeIncident, incidentIdOf, isIncidentId, type Incident, type IncidentDraft } from './incident.js';

const INCIDENTS_MAX = 500;
/** Tries to find a free name for one more incident of a day with the same title. */
const NAMES_TRIED_MAX = 50;

export class IncidentStore {
  readonly #files: OperationFiles | null;
  #incidents: readonly Incident[] = [];
  #unreadable: readonly string[] = [];

  /** Without files it is always empty. */
  constructor(files: OperationFiles | null) {
    this.#files = files;
  }

  /** Newest first. */
  get all(): readonly Incident[] {
    return this.#incidents;
  }

  /** Names of files that are no incidents. */
  get unreadable(): readonly string[] {
    return this.#unreadable;
  }

  async refresh(): Promise<void> {
    if (this.#files === null) return;
    const names = (await this.#files.list()).filter((name) => name.endsWith('.md')).toReversed().slice(0, INCIDENTS_MAX);
    const read = await Promise.all(names.map(async (name) => ({ name, incident: await this.#read(name) })));
    this.#incidents = read.flatMap(({ incident }) => incident ?? []).toSorted((a, b) => b.fromMs - a.fromMs);
    this.#unreadable = read.filter(({ incident }) => incident === null).map(({ name }) => name);
  }

  /** Null when there are as many incidents as there may be, or nothing can be kept. */
  async create(draft: IncidentDraft): Promise<Incident | null> {
    if (this.#files === null || this.#incidents.length >= INCIDENTS_MAX) return null;
    const base = incidentIdOf(draft);
    const taken = new Set(this.#incidents.map(({ id }) => id));
    const id = [base, ...Array.from({ length: NAMES_TRIED_MAX }, (_, n) => `${base}-${n + 2}`)].find((name) => !taken.has(name));
    return id === undefined ? null : await this.#put(id, draft);
  }

  /** Null when there is none with this id. */
  async update(id: string, draft: IncidentDraft): Promise<Incident | null> {
    return this.#incidents.some((incident) => incident.id === id) ? await this.#put(id, draft) : null;
  }

  /** False when there was none with this id. */
  async remove(id: string): Promise<boolean> {
    if (this.#files === null || !this.#incidents.some((incident) => incident.id === id)) return false;
    await this.#files.remove(`${id}.md`);
    await this.refresh();
    return true;
  }

  async #put(id: string, draft: IncidentDraft): Promise<Incident | null> {
    await this.#files?.replace(`${id}.md`, encodeIncident(draft));
    await this.refresh();
    return this.#incidents.find((incident) => incident.id === id) ?? null;
  }

  async #read(name: string): Promise<Incident | null> {
    const id = name.slice(0, -'.md'.length);
    const text = isIncidentId(id) ? await this.#files?.read(name) : null;
    return text === null || text === undefined ? null : decodeIncident(id, text);
  }
}
