import { ledgerContract } from "./contract";
import { redisBench } from "./redis-bench";

ledgerContract("redis", redisBench());
