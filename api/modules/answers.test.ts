import { TestApi } from "../server/api.fixture.ts";
import type { ApiConfig } from "../server/config.ts";
import { answersContract } from "./answers.contract.ts";
import { connectionsContract } from "./connections.contract.ts";
import { deadLettersContract } from "./dead-letters.contract.ts";
import { detectorsContract } from "./detectors.contract.ts";
import { ordersContract } from "./orders.contract.ts";
import { predictionsContract } from "./predictions.contract.ts";
import { productsContract } from "./products.contract.ts";

const start = (config: Partial<ApiConfig> = {}) => TestApi.start(config);

answersContract("DuckDB", start);
connectionsContract("DuckDB", start);
ordersContract("DuckDB", start);
predictionsContract("DuckDB", start);
productsContract("DuckDB", start);
detectorsContract("DuckDB", start);
deadLettersContract("DuckDB", start);
