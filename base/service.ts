/** Something that runs until it is closed. Closing twice is allowed; closing waits until nothing of it runs any more. */
export interface Service {
  close(): Promise<void>;
}

/** Closes what was added in reverse order; every one is closed even if another fails. The first failure is thrown. */
export class ServiceStack implements Service {
  readonly #services: Service[] = [];

  add<T extends Service>(service: T): T {
    this.#services.push(service);
    return service;
  }

  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let service = this.#services.pop(); service; service = this.#services.pop()) {
      try {
        await service.close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
