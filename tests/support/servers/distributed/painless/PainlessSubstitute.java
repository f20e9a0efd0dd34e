package mlgraph;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.plugins.ScriptPlugin;
import org.elasticsearch.script.ScriptContext;
import org.elasticsearch.script.ScriptEngine;
import org.elasticsearch.script.UpdateScript;

/**
 * The language `painless` with two scripts only: those that JanusGraph stores for its updates of a document.
 * The published archive for integration tests lacks the module of Painless; the image of compose.yaml has it.
 */
public class PainlessSubstitute extends Plugin implements ScriptPlugin {
    @Override
    public ScriptEngine getScriptEngine(Settings settings, Collection<ScriptContext<?>> contexts) {
        return new Engine();
    }

    private static class Engine implements ScriptEngine {
        @Override
        public String getType() {
            return "painless";
        }

        @Override
        public Set<ScriptContext<?>> getSupportedContexts() {
            return Set.of(UpdateScript.CONTEXT);
        }

        @Override
        public <T> T compile(String name, String source, ScriptContext<T> context, Map<String, String> options) {
            boolean adds = source.contains(".add(field.value)");
            boolean removes = source.contains("ctx._source.remove(field.name)");
            if (adds == removes) throw new IllegalArgumentException("not a script of JanusGraph: " + source);
            UpdateScript.Factory factory = (params, ctx) -> new UpdateScript(params, ctx) {
                @Override
                public void execute() {
                    Map<String, Object> document = cast(getCtx().get("_source"));
                    List<Map<String, Object>> fields = cast(getParams().get("fields"));
                    for (Map<String, Object> field : fields) {
                        if (adds) add(document, field);
                        else remove(document, field);
                    }
                }
            };
            return context.factoryClazz.cast(factory);
        }
    }

    private static void add(Map<String, Object> document, Map<String, Object> field) {
        List<Object> values = cast(document.computeIfAbsent((String) field.get("name"), name -> new ArrayList<>()));
        if (!"SET".equals(field.get("cardinality")) || !values.contains(field.get("value"))) values.add(field.get("value"));
    }

    private static void remove(Map<String, Object> document, Map<String, Object> field) {
        if ("SINGLE".equals(field.get("cardinality"))) {
            document.remove(field.get("name"));
        } else if (document.containsKey(field.get("name"))) {
            List<Object> values = cast(document.get(field.get("name")));
            values.remove(field.get("value"));
        }
    }

    @SuppressWarnings("unchecked")
    private static <T> T cast(Object value) {
        return (T) value;
    }
}
