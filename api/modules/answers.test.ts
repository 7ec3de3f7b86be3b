import { TestApi } from "../server/api.fixture.ts";
import { answersContract } from "./answers.contract.ts";

answersContract("DuckDB", () => TestApi.start());
