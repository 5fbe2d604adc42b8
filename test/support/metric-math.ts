/** A time series: a value per period, the oldest first; undefined where there is no data point. */
export type Series = readonly (number | undefined)[];

type Value = number | Series;

/**
 * What an expression of CloudWatch's metric math makes of these series: numbers, `+ - * /`, comparisons, `FILL(series, n)`
 * and `IF(condition, value, value)`, as CloudWatch describes them.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 * @throws Error for anything else, so that an alarm that uses more is not taken for tested
 */
export function metricMath(expression: string, series: Readonly<Record<string, Series>>, periods: number): Series {
  const tokens = expression.match(/[A-Za-z_]\w*|\d+(?:\.\d+)?|>=|<=|==|!=|[-+*/(),<>]|\S/g) ?? [];
  let at = 0;

  function expected(token: string): void {
    if (tokens[at++] !== token) throw new Error(`expected '${token}' as part ${at} of ${expression}`);
  }

  function comparison(): Value {
    const left = sum();
    const compare = comparisons[tokens[at] ?? ""];
    if (compare === undefined) return left;
    at += 1;
    return each(left, sum(), (a, b) => (compare(a, b) ? 1 : 0));
  }

  function sum(): Value {
    let value = product();
    for (let sign = tokens[at]; sign === "+" || sign === "-"; sign = tokens[at]) {
      at += 1;
      value = each(value, product(), sign === "+" ? (a, b) => a + b : (a, b) => a - b);
    }
    return value;
  }

  function product(): Value {
    let value = factor();
    for (let sign = tokens[at]; sign === "*" || sign === "/"; sign = tokens[at]) {
      at += 1;
      // Of a division by nothing there is no data point.
      value = each(value, factor(), sign === "*" ? (a, b) => a * b : (a, b) => (b === 0 ? undefined : a / b));
    }
    return value;
  }

  function factor(): Value {
    const token = tokens[at++] ?? "";
    if (/^\d/.test(token)) return Number(token);
    if (token === "(") {
      const value = comparison();
      expected(")");
      return value;
    }
    if (tokens[at] !== "(") return known(token);
    expected("(");
    const given = [comparison()];
    while (tokens[at] === ",") {
      at += 1;
      given.push(comparison());
    }
    expected(")");
    return call(token, given);
  }

  function known(name: string): Series {
    const found = series[name];
    if (found === undefined) throw new Error(`'${name}' in ${expression} is no metric of it`);
    return found;
  }

  function call(name: string, given: readonly Value[]): Value {
    const [first = 0, second = 0, third = 0] = given;
    if (name === "FILL" && given.length === 2 && typeof first !== "number" && typeof second === "number") {
      return first.map((value) => value ?? second);
    }
    if (name === "IF" && given.length === 3) {
      return times(periods, (n) => {
        const condition = valueAt(first, n);
        return condition === undefined ? undefined : valueAt(condition === 0 ? third : second, n);
      });
    }
    throw new Error(`${name} with ${given.length} values isn't known of CloudWatch's metric math here`);
  }

  function each(left: Value, right: Value, make: (a: number, b: number) => number | undefined): Value {
    return times(periods, (n) => {
      const [a, b] = [valueAt(left, n), valueAt(right, n)];
      return a === undefined || b === undefined ? undefined : make(a, b);
    });
  }

  const value = comparison();
  if (at < tokens.length) throw new Error(`'${tokens[at]}' isn't expected in ${expression}`);
  if (typeof value === "number") throw new Error(`${expression} is no time series`);
  return value;
}

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

function valueAt(value: Value, n: number): number | undefined {
  return typeof value === "number" ? value : value[n];
}

function times(count: number, make: (n: number) => number | undefined): Series {
  return Array.from({ length: count }, (_, n) => make(n));
}
