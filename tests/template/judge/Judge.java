import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import software.amazon.event.ruler.Machine;
import software.amazon.event.ruler.MachineComplexityEvaluator;
import software.amazon.event.ruler.Ruler;

/** Puts each event before every rule and prints where Event Ruler's answer is not the one that we expect. */
@SuppressWarnings("deprecation") // evaluateComplexity
public final class Judge {
    public static void main(String[] arguments) throws Exception {
        JsonNode file = new ObjectMapper().readTree(new File(arguments[0]));
        Machine machine = new Machine();
        Map<String, String> patterns = new TreeMap<>();
        for (Map.Entry<String, JsonNode> rule : file.get("patterns").properties()) {
            patterns.put(rule.getKey(), rule.getValue().asText());
            machine.addRule(rule.getKey(), rule.getValue().asText());
        }
        int wrong = 0;
        for (JsonNode one : file.get("cases")) {
            String event = one.get("event").toString();
            Set<String> expected = new TreeSet<>();
            one.get("rules").forEach(rule -> expected.add(rule.asText()));
            Set<String> together = new TreeSet<>(machine.rulesForJSONEvent(event));
            Set<String> alone = new TreeSet<>();
            for (Map.Entry<String, String> rule : patterns.entrySet()) {
                if (Ruler.matchesRule(event, rule.getValue())) {
                    alone.add(rule.getKey());
                }
            }
            if (!together.equals(expected) || !alone.equals(expected)) {
                wrong++;
                System.out.println(one.get("name").asText() + ": expected " + expected + ", a machine with all rules says "
                        + together + ", each rule alone " + alone);
            }
        }
        System.out.println("complexity of the machine: " + machine.evaluateComplexity(new MachineComplexityEvaluator(100)));
        System.out.println((file.get("cases").size() - wrong) + " passed, " + wrong + " failed");
        System.exit(wrong == 0 ? 0 : 1);
    }
}
