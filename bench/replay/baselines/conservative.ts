import { Profile } from "./profile.ts";
import type { QueuePolicy, SimJob } from "./queue-simulator.ts";
import { remove } from "./queue-policies.ts";

/**
 * Conservative backfill (Mu'alem and Feitelson, IEEE TPDS 12(6), 2001): in the order of submission every job has the earliest
 * place in which it delays nobody before it. As jobs end before their time, all places are looked for anew.
 *
 * @param boundMs for how long a job is taken to run, in milliseconds; it never runs for longer
 */
export function conservative(boundMs: (job: SimJob) => number): QueuePolicy {
  return (simulator) => {
    const { pool, now, queue, running } = simulator;
    const profile = new Profile(pool, now);
    for (const { nodes, job, startMs } of running) profile.change(nodes, job.shape.gpusPerNode, startMs + boundMs(job));
    const started = new Set<SimJob>();
    for (const job of queue) {
      const place = profile.earliest(job.shape, boundMs(job));
      if (!place) continue;
      profile.change(place.nodes, -job.shape.gpusPerNode, place.at, place.at + boundMs(job));
      if (place.at > now) continue;
      simulator.start(job, place.nodes);
      started.add(job);
    }
    remove(queue, started);
  };
}
