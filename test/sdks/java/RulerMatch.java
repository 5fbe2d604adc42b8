import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.Machine;

/**
 * What AWS's own matcher says: for each line of stdin, a JSON array of a pattern's text and an event's text, one line:
 * true, false, or why the pattern is refused.
 */
public class RulerMatch {
  public static void main(String[] args) throws Exception {
    ObjectMapper json = new ObjectMapper();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode pair = json.readTree(line);
      out.println(answer(pair.get(0).textValue(), pair.get(1).textValue()));
    }
    out.flush();
  }

  private static String answer(String pattern, String event) {
    Machine machine = new Machine();
    try {
      machine.addRule("rule", pattern);
    } catch (Exception | StackOverflowError refused) {
      return "refused: " + String.valueOf(refused.getMessage()).replaceAll("\\s+", " ");
    }
    try {
      return String.valueOf(!machine.rulesForJSONEvent(event).isEmpty());
    } catch (Exception | StackOverflowError failed) {
      return "failed: " + String.valueOf(failed).replaceAll("\\s+", " ");
    }
  }
}
