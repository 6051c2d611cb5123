import { credentials } from "@grpc/grpc-js";
import type { PeerAnswer__Output } from "../../proto/generated/gpusched/v1/PeerAnswer.ts";
import type { PeerQuestion } from "../../proto/generated/gpusched/v1/PeerQuestion.ts";
import { peerService } from "../../proto/load.ts";
import { DIAL_OPTIONS } from "../uplink/channel.ts";

/** Asks one peer once, on a connection of its own. Rejects when no answer comes in time. */
export function askPeer(address: string, question: PeerQuestion, deadlineMs: number): Promise<PeerAnswer__Output> {
  const PeerService = peerService();
  const client = new PeerService(address, credentials.createInsecure(), DIAL_OPTIONS);
  return new Promise<PeerAnswer__Output>((resolve, reject) => {
    client.ask(question, { deadline: Date.now() + deadlineMs }, (error, answer) => {
      client.close();
      if (answer) resolve(answer);
      else reject(error ?? new Error("an empty answer"));
    });
  });
}
